// Segment's Node SDK of before (analytics-node): every call, in batches.
const Analytics = require('analytics-node');
const [url, key] = process.argv.slice(2);

const analytics = new Analytics(key, { host: url, flushAt: 20, errorHandler: (error) => { throw error; } });
analytics.identify({ userId: 'ana', traits: { plan: 'gold' } });
analytics.track({ userId: 'ana', event: 'Products Searched', properties: { query: 'trail shoes', n: 1.5 } });
analytics.page({ userId: 'ana', name: 'Home', category: 'Shop', properties: { path: '/' } });
analytics.screen({ userId: 'ana', name: 'Cart', properties: { items: 2 } });
analytics.group({ userId: 'ana', groupId: 'g1', traits: { size: 3 } });
analytics.alias({ userId: 'ana', previousId: 'ana-before' });
analytics.flush((error) => process.exit(error ? 1 : 0));
