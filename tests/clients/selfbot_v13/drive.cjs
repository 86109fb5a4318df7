// Drives npm `discord.js-selfbot-v13` as a user who asks the bot, and prints what came of it.
//
// Only public options are set: where the REST API is, and a proxy, because the package sends all that
// it asks to discord.com otherwise, whatever the API is. The user asks for a picture, presses U1,
// has a picture described, and writes, edits and deletes a message with a file.
//
// Arguments: base URL, token, channel id, prompt, picture.

const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { Client } = require('discord.js-selfbot-v13');

const [base, token, channelId, prompt, picture] = process.argv.slice(2);
const MIDJOURNEY = '936929561302675456';

const proxy = http.createServer().on('connect', (request, socket) => {
  const [host, port] = request.url.split(':');
  const server = net.connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    server.pipe(socket).pipe(server);
  });
  server.on('error', () => socket.destroy());
  socket.on('error', () => server.destroy());
});

const ids = (message) =>
  message.components.flatMap((row) => row.components.map((one) => one.customId ?? ''));

async function ask(client) {
  const next = (wanted, name = 'messageCreate') =>
    new Promise((resolve) => {
      const look = (...messages) => wanted(messages.at(-1)) && resolve(messages.at(-1));
      client.on(name, look);
    });
  const channel = await client.channels.fetch(channelId);
  const grids = next((message) => ids(message).some((one) => one.includes('::upsample::')));
  await channel.sendSlash(MIDJOURNEY, 'imagine', prompt);
  const grid = await grids;
  const singles = next((message) => message.content.includes('Image #1'));
  await grid.clickButton(ids(grid)[0]);
  const single = await singles;
  const descriptions = next((message) => message.embeds[0]?.description, 'messageUpdate');
  await channel.sendSlash(MIDJOURNEY, 'describe', fs.readFileSync(picture));
  const prompts = (await descriptions).embeds[0].description;
  await channel.sendTyping();
  const sent = await channel.send({ content: 'helo', files: [{ attachment: picture, name: 'a' }] });
  const edited = await sent.edit('hello');
  await sent.react('👍');
  await sent.delete();
  const user = await client.users.fetch(MIDJOURNEY, { force: true });
  const member = await channel.guild.members.fetch({ user: MIDJOURNEY, force: true });
  const history = await channel.messages.fetch({ limit: 3 });
  return {
    me: client.user.id,
    grid: grid.attachments.first().url,
    single: single.attachments.first().url,
    repliesTo: single.reference?.messageId === grid.id,
    prompts,
    edited: edited.content,
    attached: sent.attachments.size,
    user: user.username,
    member: member.user.username,
    history: [...history.keys()],
  };
}

proxy.listen(0, '127.0.0.1', () => {
  const agent = `http://127.0.0.1:${proxy.address().port}`;
  const client = new Client({ http: { api: `${base}/api`, agent } });
  client.on('ready', async () => {
    const result = await ask(client);
    process.stdout.write(`RESULT ${JSON.stringify(result)}\n`, () => process.exit(0));
  });
  client.login(token);
});
