// OpenFeature's Java SDK with the OFREP provider: a slot, an experiment and a flag that there isn't.
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import dev.openfeature.contrib.providers.ofrep.OfrepProvider;
import dev.openfeature.contrib.providers.ofrep.OfrepProviderOptions;
import dev.openfeature.sdk.*;
import java.util.Map;

class Ofrep {
  public static void main(String[] given) throws Exception {
    OfrepProvider provider = OfrepProvider.constructProvider(OfrepProviderOptions.builder()
        .baseUrl(given[0])
        .headers(ImmutableMap.of("Authorization", ImmutableList.of("Bearer " + given[1])))
        .build());
    OpenFeatureAPI.getInstance().setProviderAndWait(provider);
    Client client = OpenFeatureAPI.getInstance().getClient();
    EvaluationContext around = new ImmutableContext("ana", Map.of("device", new Value("tv")));
    FlagEvaluationDetails<Value> slot = client.getObjectDetails("home", new Value(), around);
    FlagEvaluationDetails<Boolean> variant = client.getBooleanDetails("new-home", false, around);
    FlagEvaluationDetails<Boolean> missing = client.getBooleanDetails("nothing", true, around);
    System.out.println(slot.getValue().asStructure().getValue("decisionId").asString());
    System.out.println(variant.getValue() + " " + variant.getVariant() + " " + variant.getReason());
    System.out.println(missing.getValue() + " " + missing.getErrorCode());
    System.exit(0);
  }
}
