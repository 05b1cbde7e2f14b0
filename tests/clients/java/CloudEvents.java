// The CloudEvents SDK for Java: one event in binary mode, one in structured mode.
import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.http.HttpMessageFactory;
import io.cloudevents.jackson.JsonFormat;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;

class CloudEvents {
  public static void main(String[] given) throws Exception {
    for (String mode : new String[] {"binary", "structured"}) {
      byte[] data = "{\"query\": \"trail shoes\", \"where\": \"café\"}".getBytes(StandardCharsets.UTF_8);
      CloudEvent event = CloudEventBuilder.v1()
          .withId(mode).withSource(URI.create("/shop")).withType("Products Searched").withSubject("ana")
          .withExtension("city", "Zürich").withData("application/json", data).build();
      HttpURLConnection asked = (HttpURLConnection) new URI(given[0] + "/v1/cloudevents").toURL().openConnection();
      asked.setRequestMethod("POST");
      asked.setRequestProperty("authorization", given[1]);
      asked.setDoOutput(true);
      var writer = HttpMessageFactory.createWriter(asked::setRequestProperty, body -> {
        try (OutputStream out = asked.getOutputStream()) { out.write(body); }
        catch (java.io.IOException broken) { throw new java.io.UncheckedIOException(broken); }
      });
      if (mode.equals("binary")) writer.writeBinary(event);
      else writer.writeStructured(event, new JsonFormat());
      if (asked.getResponseCode() != 200) System.exit(1);
    }
  }
}
