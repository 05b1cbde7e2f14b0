// Snowplow's Node tracker of before (snowplow-tracker): the same events, by GET or POST, contexts in base64 or plain.
const { tracker, gotEmitter } = require('snowplow-tracker');
const [url, key, method, encoded] = process.argv.slice(2);

const { hostname, port } = new URL(url);
const failed = (error) => { if (error) { console.error(error); process.exit(1); } };
const emitter = gotEmitter(hostname, 'http', Number(port), method, 1, 0, undefined, failed);
const tracking = tracker([emitter], 'n', key, encoded === 'base64');
tracking.setUserId('ana');
const around = [{ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: 'gold' } }];
tracking.trackPageView('https://a.shop/x', 'X', undefined, around);
tracking.trackStructEvent('shop', 'add-to-basket', undefined, undefined, 2.5);
tracking.trackUnstructEvent({ schema: 'iglu:com.acme/video_watched/jsonschema/1-0-0', data: { id: 7 } }, around);
