// Snowplow's Java tracker: page, structured and self-describing events with a context, by POST.
import com.snowplowanalytics.snowplow.tracker.Tracker;
import com.snowplowanalytics.snowplow.tracker.configuration.*;
import com.snowplowanalytics.snowplow.tracker.events.*;
import com.snowplowanalytics.snowplow.tracker.payload.SelfDescribingJson;
import java.util.List;
import java.util.Map;

class Snowplow {
  public static void main(String[] given) {
    Tracker tracker = com.snowplowanalytics.snowplow.tracker.Snowplow.createTracker(
        new TrackerConfiguration("n", given[1]),
        new NetworkConfiguration(given[0]),
        new EmitterConfiguration().batchSize(3),
        new SubjectConfiguration().userId("ana"));
    List<SelfDescribingJson> around =
        List.of(new SelfDescribingJson("iglu:com.acme/user/jsonschema/1-0-0", Map.of("plan", "gold")));
    tracker.track(PageView.builder().pageUrl("https://a.shop/x").pageTitle("X").customContext(around).build());
    tracker.track(Structured.builder().category("shop").action("add-to-basket").value(2.5).build());
    tracker.track(SelfDescribing.builder()
        .eventData(new SelfDescribingJson("iglu:com.acme/video_watched/jsonschema/1-0-0", Map.of("id", 7)))
        .customContext(around)
        .build());
    tracker.close();
    System.exit(0);
  }
}
