// OpenFeature's server SDK with the OFREP provider: a slot, an experiment and a flag that there isn't.
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');
const [url, key] = process.argv.slice(2);

(async () => {
  const headers = [['Authorization', `Bearer ${key}`]];
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
  const client = OpenFeature.getClient();
  const context = { targetingKey: 'ana', device: 'tv' };
  const slot = await client.getObjectDetails('home', {}, context);
  const variant = await client.getBooleanDetails('new-home', false, context);
  const missing = await client.getBooleanDetails('nothing', true, context);
  console.log(JSON.stringify({ slot, variant, missing }));
  await OpenFeature.close();
})();
