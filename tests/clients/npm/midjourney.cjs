// Drives the npm package `midjourney` with its public options only and prints what it returns.
// Arguments: base URL, gateway URL, token, guild, channel, path of a picture, its content type.
"use strict";

const { readFileSync } = require("node:fs");
const { Midjourney } = require("midjourney");

const [baseUrl, gatewayUrl, token, guild, channel, picture, type] = process.argv.slice(2);

async function main() {
  const client = new Midjourney({
    SalaiToken: token,
    ServerId: guild,
    ChannelId: channel,
    DiscordBaseUrl: baseUrl,
    WsBaseUrl: gatewayUrl,
    Ws: true,
  });
  await client.Connect();
  const info = await client.Info();
  const described = await client.DescribeByBlob(new Blob([readFileSync(picture)], { type }));
  client.Close();
  console.log("RESULT " + JSON.stringify({ info, described }));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
