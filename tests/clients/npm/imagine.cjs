// Draws with the npm package `midjourney`: imagine, upscale, variation, custom zoom, settings.
// Only its public options are set. Prints what it returns.
// Arguments: base URL, gateway URL, token, guild, channel, prompt, prompt of the zoom.
"use strict";

const { Midjourney } = require("midjourney");

const [baseUrl, gatewayUrl, token, guild, channel, prompt, wider] = process.argv.slice(2);

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
  const progress = [];
  const imagined = await client.Imagine(prompt, (uri, percent) => progress.push([uri, percent]));
  const { id: msgId, hash, flags, content } = imagined;
  const grid = { msgId, hash, flags, content };
  const upscaled = await client.Upscale({ index: 2, ...grid });
  const varied = await client.Variation({ index: 3, ...grid });
  const button = upscaled.options.find((option) => option.label === "Custom Zoom");
  const zoomed = await client.Custom({
    msgId: upscaled.id,
    flags: upscaled.flags,
    customId: button.custom,
    content: wider,
  });
  const settings = await client.Settings();
  client.Close();
  const result = { imagined, progress, upscaled, varied, zoomed, settings: settings.options };
  console.log("RESULT " + JSON.stringify(result));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
