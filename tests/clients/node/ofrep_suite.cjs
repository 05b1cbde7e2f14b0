// OpenFeature's scenarios by the server provider: each of the given evaluations, with its details.
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');
const [url, key, asked] = process.argv.slice(2);

(async () => {
  const headers = [['Authorization', `Bearer ${key}`]];
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
  const client = OpenFeature.getClient();
  const ask = { Boolean: 'getBooleanDetails', String: 'getStringDetails', Object: 'getObjectDetails' };
  const seen = [];
  for (const [kind, flag, fallback, around] of JSON.parse(asked)) {
    const got = await client[ask[kind] ?? 'getNumberDetails'](flag, fallback, { targetingKey: 'ana', ...around });
    seen.push({ value: got.value, reason: got.reason, variant: got.variant, key: got.flagKey, error: got.errorCode });
  }
  console.log(JSON.stringify(seen));
  await OpenFeature.close();
})();
