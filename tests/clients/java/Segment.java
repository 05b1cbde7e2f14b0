// Segment's Java SDK: every call, in one batch.
import com.segment.analytics.Analytics;
import com.segment.analytics.Callback;
import com.segment.analytics.messages.*;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

class Segment {
  public static void main(String[] given) throws InterruptedException {
    CountDownLatch taken = new CountDownLatch(6);
    Callback told = new Callback() {
      public void success(Message message) { taken.countDown(); }
      public void failure(Message message, Throwable error) { error.printStackTrace(); System.exit(1); }
    };
    Analytics analytics = Analytics.builder(given[1]).endpoint(given[0]).callback(told).build();
    analytics.enqueue(IdentifyMessage.builder().userId("ana").traits(Map.of("plan", "gold")));
    analytics.enqueue(
        TrackMessage.builder("Products Searched").userId("ana").properties(Map.of("query", "trail shoes", "n", 1.5)));
    analytics.enqueue(PageMessage.builder("Home").userId("ana").properties(Map.of("path", "/")));
    analytics.enqueue(ScreenMessage.builder("Cart").userId("ana").properties(Map.of("items", 2)));
    analytics.enqueue(GroupMessage.builder("g1").userId("ana").traits(Map.of("size", 3)));
    analytics.enqueue(AliasMessage.builder("ana-before").userId("ana"));
    analytics.flush();
    taken.await();
    analytics.shutdown();
    System.exit(0);
  }
}
