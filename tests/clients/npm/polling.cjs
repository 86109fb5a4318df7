// Draws with the npm package `midjourney` without a gateway: it reads the channel until a result is there.
// Only its public options are set. Prints what it returns.
// Arguments: base URL, token, guild, channel, prompt.
"use strict";

const { Midjourney } = require("midjourney");

const [baseUrl, token, guild, channel, prompt] = process.argv.slice(2);

async function main() {
  const client = new Midjourney({
    SalaiToken: token,
    ServerId: guild,
    ChannelId: channel,
    DiscordBaseUrl: baseUrl,
    Ws: false,
  });
  const imagined = await client.Imagine(prompt);
  console.log("RESULT " + JSON.stringify(imagined));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
