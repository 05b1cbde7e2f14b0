"""What fills slots without a list of its own: short choices, and names that stand nowhere."""

from __future__ import annotations

SPELLED: dict[str, str] = {
    "clock": "7 am|6:30|8 pm|noon|six thirty|five pm|quarter past nine|midnight",
    "when": (
        "tonight|tomorrow|tomorrow night|this weekend|on friday|next week|at 7 pm|for march 3rd|today|on "
        "christmas eve|in july"
    ),
    "capacity": "64gb|128gb|256gb|512gb|1tb|16gb|8gb ram|2tb",
    "flight": "ba117|dl123|ua 880|aa 1420|lh454|emirates 202|delta 567",
    "price": "$10|$20|$50|50 dollars|$100|100|$200|500|20 euros|1000 dollars|£30|$15.99",
    "size": "6|7|8|8.5|9|10|10.5|11|12|13|small|medium|large|xl|xxl|38|42|2t|4|queen|king|32x30|a4|34dd",
    "measure": (
        "3 inch|24 inch|55 inch|8 ft|6 foot|10 ft|5x7|8x10|12x18|18x18|1/2 inch|3/4|40 oz|12 oz|32oz|5 "
        "gallon|7qt|6 quart|100w|60w|60 watt|20v|12v|2 pack|4 pack|3 piece|5 piece|1000 piece|500ml|1 liter|50 "
        "lb|10kg|16gb|1tb|4k|144hz|27\"|65\"|36\"|twin xl|1080p|9x12|king size|20x20|48 in|4 inch|pair of|18 "
        "gauge|300 thread count"
    ),
    "num": "2|3|4|5|6|8|10|12|15|20|30|50|100|two|three|four|five",
    "year": "2022|2023|2024|2025|2026|1998|2012|1969",
    "unit_small": (
        "ounce|cup|pound|mile|kilometer|gallon|liter|inch|foot|tablespoon|kilogram|acre|minute|pack|pair|piece"
    ),
    "place_soft": (
        "the woods|a microwave|an oven|a pan|windows 10|android|iphone|a "
        "mac|facebook|instagram|minecraft|excel|word|high school|college|a small apartment|the car|your "
        "room|public|winter|summer|middle school|java|photoshop|roblox|the sims|the kitchen"
    ),
    "food_item": (
        "pizza|sushi|tacos|burger|burgers|chinese food|thai food|ramen|fried chicken|sandwich|noodles|pad "
        "thai|kebab|ice cream|donuts|burritos|indian food|salad|wings|coffee|bubble "
        "tea|latte|breakfast|lunch|dinner|italian food|mexican food|bbq|steak|seafood|pho|dim "
        "sum|gyros|pancakes|cupcakes"
    ),
    "street_address": (
        "123 main street|45 elm street|250 5th avenue|10 downing street|1600 pennsylvania ave|7 oak drive "
        "hartford|88 king st|620 3rd street|221b baker street|400 broadway|14 high street|1200 market "
        "st|postcode se1|zip 90210|corner of 5th and main"
    ),
    "household": (
        "boiler|fridge|toilet|radiator|dishwasher|washing machine|heater|window|door|car|engine|laptop|phone|bike|roof|"
        "lawn|plant|tomato plants|leaves|dog|cat|puppy|baby|bread|cake|sourdough|paint|wall|ceiling|pipe|floor|candle"
    ),
    "ails_verb": (
        "leak|drip|hum|squeak|rattle|smell|overheat|freeze|crack|shake|vibrate|beep|click|whistle|creak|flicker|gurgle|"
        "sweat|smoke|rust|peel|fade|sink|collapse|wilt|bark|snore|sneeze|limp|cough|scratch|sleep|shrink|stick|slip|jam|"
        "run slow|make noise|lose power|drain so fast"
    ),
    "state": (
        "loud|hot|cold|slow|wet|dry|dirty|noisy|heavy|soft|hard|sticky|yellow|brown|cloudy|itchy|tired|weak|dense|blurry"
    ),
    "family": "son|daughter|wife|husband|partner|mum|mom|dad|parents|kids|child|family|dog|cat|parents in law",
    "season": "winter|summer|spring|autumn|january|march|october|december|the rainy season",
    "door": "back door|side door|patio door|car|shed|balcony door|cellar door|driveway gate|van|boot|cat door",
    "gibberish": (
        "asdkjh|qwe rty|jjjj|dfgdfg|xzxz|hjkl|aaaaaa|zzz|blah blah|lalala|hmmmm|ffff|kjsdf sdf|test123|...|uh "
        "um|ehh"
    ),
}  # fmt: skip

NAMED: dict[str, tuple[str, ...]] = {
    "a_thing": (
        "a {product}", "my {product}", "the {product}", "a {household}", "the {household}", "a {noun}", "my {car}",
        "a {dish}", "{ingredient}", "a {device_name}", "a {compound}",
    ),
    "title": (
        "the {noun}", "{adjective} {noun}", "the {adjective} {noun}", "{noun} of {noun}", "{noun} of the {noun}",
        "{noun}",
        "{noun} {noun}", "{gerund} the {noun}", "{gerund} {noun}s", "my {noun}", "the {noun} and the {noun}", "{movie}",
        "{noun} in {place_name}", "{name_like}", "{name_like} {noun}", "{adjective} {noun}: the {noun}",
        "a {noun} for {first_name}",
        "{noun} {num}", "{adjective}", "this is {artist}", "{unknown_word} {unknown_word} de {noun}",
        "the {occupation}",
    ),
    "artist": (
        "{person}", "{first_name} {name_like}", "{first_name} {first_name}", "{name_like} {name_like}", "the {noun}s",
        "{name_like}",
        "the {adjective} {noun}s", "{first_name} {unknown_word}", "{first_name} {name_like} jr.", "dj {name_like}",
        "{first_name}",
    ),
    "pair": (
        "{model} vs {model}", "{model} or {model}", "{model} vs {num}", "{brand} {product} vs {brand} {product}",
        "{brand} vs {brand} {product}", "{product} vs {product}", "{product} or {product}", "{product} and {product}",
        "{car} vs {car}", "{car} or {car}", "{compound} vs {compound}", "{machine} vs {machine}",
        "{machine} or {machine}",
        "{ingredient} vs {ingredient}", "{ingredient} or {ingredient}", "{animal} vs {animal}",
        "{activity} vs {activity}", "{activity} or {activity}", "{place_name} vs {place_name}",
        "{device_name} vs {device_name}", "{device_name} or {device_name}", "{name_like} vs {name_like}",
        "{name_like} {num} vs {num}",
    ),
    "pair_of_things": (
        "{model} vs {model}", "{model} or {model}", "{brand} {product} vs {brand} {product}",
        "{brand} or {brand} {product}", "{brand} vs {brand}", "{car} vs {car}", "{car} or {car}",
        "{product} or {product}", "{name_like} {num} or {num}",
    ),
    "pair_of_subjects": (
        "{ingredient} vs {ingredient}", "{animal} vs {animal}", "{activity} vs {activity}", "{dish} vs {dish}",
        "{know_thing} vs {know_thing}", "{place_name} vs {place_name}", "{loan} vs {loan}", "{noun} vs {noun}",
        "{compound} vs {compound}", "{name_like} vs {name_like}",
    ),
    "venue": (
        "{name_like}", "{name_like}'s", "the {adjective} {noun}", "the {noun}", "{first_name}'s", "{chain}",
        "{first_name}'s {noun}",
        "{name_like} {place_kind}", "the {animal} and {noun}", "{noun} {place_kind}", "casa {name_like}",
        "{cuisine} {noun}",
        "the {name_like} grill", "{adjective} {place_kind}", "{first_name}'s {cuisine} kitchen",
    ),
}  # fmt: skip
"""Names of works, of people and groups, and of places, most of them nowhere listed."""
