// Describe a picture and print its four prompts.
//   WAYSTATION_URL=… WAYSTATION_TOKEN=… node describe.mjs https://example.org/picture.png
if (!process.env.WAYSTATION_TOKEN) {
  console.error("WAYSTATION_TOKEN is not set: waystation users add prints one");
  process.exit(1);
}
const url = process.env.WAYSTATION_URL ?? "http://127.0.0.1:8080";
const headers = {
  Authorization: `Bearer ${process.env.WAYSTATION_TOKEN}`,
  "Content-Type": "application/json",
};
function down(error) {
  console.error(`${url} cannot be reached: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
  process.exit(1);
}
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function submit(describeUrl) {
  for (;;) {
    const response = await fetch(`${url}/v2/jobs/describe`, {
      method: "POST",
      headers,
      body: JSON.stringify({ describeUrl }),
    }).catch(down);
    const job = await response.json();
    if (response.status !== 429) return job;
    await pause(Number(response.headers.get("Retry-After") ?? 10));
  }
}

async function finished(jobid) {
  for (;;) {
    const query = new URLSearchParams({ jobid });
    const job = await (await fetch(`${url}/v2/jobs/?${query}`, { headers }).catch(down)).json();
    if (!["created", "started", "progress"].includes(job.status)) return job;
    await pause(Number(process.env.POLL_S ?? 10));
  }
}

if (process.argv.length !== 3) {
  console.error("usage: describe.mjs URL");
  process.exit(2);
}
let job = await submit(process.argv[2]);
if (job.jobid) job = await finished(job.jobid);
if (job.status === "completed") {
  console.log(job.embeds[0].description);
} else {
  console.error(job);
  process.exitCode = 1;
}
