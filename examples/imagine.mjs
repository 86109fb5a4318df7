// Draw four pictures from a prompt, upscale the second, and print the links of both results.
//   WAYSTATION_URL=… WAYSTATION_TOKEN=… node imagine.mjs "a red fox in the snow --ar 3:2"
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

async function submit(verb, body) {
  for (;;) {
    const response = await fetch(`${url}/v2/jobs/${verb}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    }).catch(down);
    const job = await response.json();
    if (response.status !== 429) return job;
    await pause(Number(response.headers.get("Retry-After") ?? 10));
  }
}

async function run(verb, body) {
  let job = await submit(verb, body);
  while (["created", "started", "progress"].includes(job.status)) {
    await pause(Number(process.env.POLL_S ?? 10));
    const query = new URLSearchParams({ jobid: job.jobid });
    job = await (await fetch(`${url}/v2/jobs/?${query}`, { headers }).catch(down)).json();
  }
  if (job.status !== "completed") {
    console.error(job);
    process.exit(1);
  }
  return job;
}

if (process.argv.length !== 3) {
  console.error("usage: imagine.mjs PROMPT");
  process.exit(2);
}
const grid = await run("imagine", { prompt: process.argv[2] });
console.log(grid.attachments[0].url);
const second = await run("button", { jobid: grid.jobid, button: "U2" });
console.log(second.attachments[0].url);
