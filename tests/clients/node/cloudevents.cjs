// The CloudEvents SDK for JavaScript: one event in binary mode, one in structured mode, both by its own emitter.
const { CloudEvent, emitterFor, httpTransport, Mode } = require('cloudevents');
const [url, authorization] = process.argv.slice(2);

(async () => {
  for (const [id, mode] of [['b1', Mode.BINARY], ['s1', Mode.STRUCTURED]]) {
    const emit = emitterFor(httpTransport(`${url}/v1/cloudevents`), { mode });
    const event = new CloudEvent({
      id, source: '/shop', type: 'Products Searched', subject: 'ana', city: 'Zurich',
      data: { query: 'trail shoes', where: 'café' },
    });
    const answer = await emit(event, { headers: { authorization } });
    console.log(answer.body);
  }
})();
