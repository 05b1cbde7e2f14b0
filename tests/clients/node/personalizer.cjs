// Azure's JavaScript SDK for Personalizer: rank, activate, reward, and an error.
const { PersonalizerClient } = require('@azure/cognitiveservices-personalizer');
const { ApiKeyCredentials } = require('@azure/ms-rest-js');
const [url, key] = process.argv.slice(2);

(async () => {
  const credentials = new ApiKeyCredentials({ inHeader: { 'Ocp-Apim-Subscription-Key': key } });
  const client = new PersonalizerClient(credentials, url);
  const actions = ['sweet', 'salty'].map((id) => ({ id, features: [{ taste: id }] }));
  const asked = { eventId: 'e1', actions, contextFeatures: [{ time: 'noon' }], deferActivation: true };
  const ranked = await client.rank(asked);
  await client.events.activate('e1');
  await client.events.reward('e1', { value: 0.5 });
  const code = await client.rank({ actions: [] }).catch((error) => error.body.error.code);
  console.log(JSON.stringify({ ranked, code }));
})();
