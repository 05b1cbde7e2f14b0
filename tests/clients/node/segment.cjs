// Segment's Node SDK: every call, sent at once.
const { Analytics } = require('@segment/analytics-node');
const [url, key] = process.argv.slice(2);

(async () => {
  const analytics = new Analytics({ writeKey: key, host: url, flushAt: 1 });
  analytics.on('error', (error) => { console.error(error); process.exitCode = 1; });
  analytics.identify({ userId: 'ana', traits: { plan: 'gold', nested: { a: [1, null] } } });
  analytics.track({ userId: 'ana', event: 'Products Searched', properties: { query: 'trail shoes', n: 1.5 } });
  analytics.page({ userId: 'ana', name: 'Home', category: 'Shop', properties: { path: '/' } });
  analytics.screen({ userId: 'ana', name: 'Cart', properties: { items: 2 } });
  analytics.group({ userId: 'ana', groupId: 'g1', traits: { size: 3 } });
  analytics.alias({ userId: 'ana', previousId: 'ana-before' });
  await analytics.closeAndFlush();
})();
