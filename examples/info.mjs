// Show what the bot says of an account: plan, hours left, running jobs.
//   WAYSTATION_URL=… WAYSTATION_TOKEN=… node info.mjs [CHANNEL]
if (!process.env.WAYSTATION_TOKEN) {
  console.error("WAYSTATION_TOKEN is not set: waystation users add prints one");
  process.exit(1);
}
const url = process.env.WAYSTATION_URL ?? "http://127.0.0.1:8080";
function down(error) {
  console.error(`${url} cannot be reached: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
  process.exit(1);
}

const response = await fetch(`${url}/v2/jobs/info`, {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.WAYSTATION_TOKEN}`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({ channel: process.argv[2] }),
}).catch(down);
const job = JSON.stringify(await response.json(), null, 2);
if (response.ok) {
  console.log(job);
} else {
  console.error(job);
  process.exitCode = 1;
}
