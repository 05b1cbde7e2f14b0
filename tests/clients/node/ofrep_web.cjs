// OpenFeature's web SDK with the OFREP web provider: all flags at once, then another person's, then the first again.
const { OpenFeature } = require('@openfeature/web-sdk');
const { OFREPWebProvider } = require('@openfeature/ofrep-web-provider');
const [url, key] = process.argv.slice(2);

(async () => {
  const provider = new OFREPWebProvider({
    baseUrl: url, headers: [['X-API-Key', key]], cacheMode: 'disabled', pollInterval: -1, changeDetection: 'none',
  });
  const seen = [];
  for (const targetingKey of ['visitor-1', 'visitor-2', 'visitor-1']) {
    await OpenFeature.setContext({ targetingKey });
    if (!seen.length) await OpenFeature.setProviderAndWait(provider);
    const client = OpenFeature.getClient();
    seen.push({ slot: client.getObjectDetails('home', {}), variant: client.getBooleanDetails('new-home', false) });
  }
  console.log(JSON.stringify(seen));
  process.exit(0);
})();
