// Snowplow's Node tracker: self-describing, structured and page events with a context, by POST.
const { newTracker, buildSelfDescribingEvent, buildStructEvent, buildPageView } = require('@snowplow/node-tracker');
const [url, key] = process.argv.slice(2);

const address = new URL(url);
const tracker = newTracker(
  { namespace: 'n', appId: key, encodeBase64: true },
  { endpoint: address.origin, eventMethod: 'post', bufferSize: 1, onRequestFailure: () => process.exit(1) },
);
tracker.setUserId('ana');
const around = [{ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: 'gold' } }];
tracker.track(buildPageView({ pageUrl: 'https://a.shop/x', pageTitle: 'X' }), around);
tracker.track(buildStructEvent({ category: 'shop', action: 'add-to-basket', value: 2.5 }));
tracker.track(
  buildSelfDescribingEvent({ event: { schema: 'iglu:com.acme/video_watched/jsonschema/1-0-0', data: { id: 7 } } }),
  around,
);
