// RudderStack's Node SDK: every call, in one batch of gzip.
const Rudder = require('@rudderstack/rudder-sdk-node');
const [url, key] = process.argv.slice(2);

const analytics = new Rudder(key, { dataPlaneUrl: url, logLevel: 'error', flushInterval: 100 });
analytics.identify({ userId: 'ana', traits: { plan: 'gold' } });
analytics.track({ userId: 'ana', event: 'Products Searched', properties: { query: 'trail shoes' } });
analytics.page({ userId: 'ana', name: 'Home', properties: { path: '/' } });
analytics.screen({ userId: 'ana', name: 'Cart', properties: { items: 2 } });
analytics.group({ userId: 'ana', groupId: 'g1', traits: { size: 3 } });
analytics.alias({ userId: 'ana', previousId: 'ana-before' });
analytics.flush((error) => process.exit(error ? 1 : 0));
