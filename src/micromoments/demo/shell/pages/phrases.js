// The engine's reasons and evidence, which it says in English, in the person's language.

/** English template -> German; what stands for {…} is carried over. */
export const DE = {
  "searched \"{words}\"": "sucht „{words}“",
  "searched": "sucht etwas",
  "types": "tippt etwas",
  "types \"{words}\"": "tippt „{words}“",
  "reads": "liest etwas",
  "reads \"{words}\"": "liest „{words}“",
  "looked at {item}": "hat {item} angesehen",
  "browsed {category}": "hat sich bei {category} umgesehen",
  "narrowed {category}": "hat {category} eingegrenzt",
  "added {item} to the cart": "hat {item} in den Warenkorb gelegt",
  "took {item} out of the cart": "hat {item} aus dem Warenkorb genommen",
  "looked at the cart": "hat den Warenkorb angesehen",
  "is at the checkout": "ist an der Kasse",
  "entered payment": "hat eine Zahlungsart eingegeben",
  "ordered": "hat bestellt",
  "opened a promotion": "hat eine Aktion geöffnet",
  "tried a coupon": "hat einen Gutschein probiert",
  "saved {item} for later": "hat {item} gemerkt",
  "took {item} off the wish list": "hat {item} von der Merkliste genommen",
  "shared {item}": "hat {item} geteilt",
  "read {item}": "hat {item} gelesen",
  "read to the end": "hat bis zum Ende gelesen",
  "opened the guide {item}": "hat die Anleitung {item} geöffnet",
  "finished a step of {item}": "hat einen Schritt von {item} geschafft",
  "finished {item}": "hat {item} beendet",
  "watched a video": "hat ein Video angesehen",
  "looked at the offer {item}": "hat das Angebot {item} angesehen",
  "looked for a store": "hat ein Geschäft gesucht",
  "asked for directions to {item}": "hat nach dem Weg zu {item} gefragt",
  "asked for a ride": "hat eine Fahrt angefragt",
  "started a booking": "hat eine Buchung begonnen",
  "booked {item}": "hat {item} gebucht",
  "arrived at {item}": "ist bei {item} angekommen",
  "is {metres} from {place}, open now": "ist {metres} von {place} entfernt, jetzt offen",
  "is {metres} from {place}, closed now": "ist {metres} von {place} entfernt, jetzt geschlossen",
  "is heading for {place}, {metres} away": "geht auf {place} zu, noch {metres}",
  "is passing {place}, {metres} away": "kommt an {place} vorbei, {metres} entfernt",
  "is {metres} from {place}, where they often are at this hour": "ist {metres} von {place} entfernt, um diese Zeit oft dort",
  "is on the way to work": "ist auf dem Weg zur Arbeit",
  "is on the way home": "ist auf dem Heimweg",
  "came from a map": "kam von einer Karte",
  "came from a price comparison": "kam von einem Preisvergleich",
  "came from an encyclopedia": "kam von einem Lexikon",
  "came from a video": "kam von einem Video",
  "came from a board of ideas": "kam von einer Ideensammlung",
  "came by a sale campaign": "kam durch eine Verkaufsaktion",
  "came to {place}": "kam zu {place}",
  "left {place}": "hat {place} verlassen",
  "went past {place}": "ging an {place} vorbei",
  "you have all that it needs": "alles Nötige ist schon da",
  "you have {n} of {of} things that it needs": "{n} von {of} nötigen Dingen sind schon da",
  "said this is wrong": "sagte, das stimmt nicht",
  "matches “{words}”": "passt zu „{words}“",
  "matches your words": "passt zu den Suchworten",
  "answers “{words}”": "beantwortet „{words}“",
  "because you looked at {title}": "weil {title} angesehen wurde",
  "often bought together with {title}": "oft zusammen gekauft mit {title}",
  "you bought it {n} days ago": "vor {n} Tagen gekauft",
  "popular in {category}": "beliebt unter {category}",
  "popular now": "gerade beliebt",
  "popular in {category} near you": "in der Nähe beliebt unter {category}",
  "popular near you": "in der Nähe beliebt",
  "less known, from {category}": "weniger bekannt, aus {category}",
  "less known": "weniger bekannt",
  "{n} min walk, closed when you get there": "{n} Min. zu Fuß, bei Ankunft geschlossen",
  "{n} min walk, open until {time}": "{n} Min. zu Fuß, offen bis {time}",
  "{n} min walk, open": "{n} Min. zu Fuß, offen",
  "{n} min ride, closed when you get there": "{n} Min. mit dem Rad, bei Ankunft geschlossen",
  "{n} min ride, open until {time}": "{n} Min. mit dem Rad, offen bis {time}",
  "{n} min ride, open": "{n} Min. mit dem Rad, offen",
  "{n} min drive, closed when you get there": "{n} Min. Fahrt, bei Ankunft geschlossen",
  "{n} min drive, open until {time}": "{n} Min. Fahrt, offen bis {time}",
  "{n} min drive, open": "{n} Min. Fahrt, offen",
  "{n} km away, closed when you get there": "{n} km entfernt, bei Ankunft geschlossen",
  "{n} km away, open until {time}": "{n} km entfernt, offen bis {time}",
  "{n} km away, open": "{n} km entfernt, offen",
  "a close match": "passt genau",
  "near you": "in der Nähe",
  "like what you looked at": "ähnlich wie das Angesehene",
  "goes with what you looked at": "gehört zum Angesehenen",
  "new here": "neu hier",
  "close by": "ganz nah",
  "quick to reach": "schnell erreicht",
  "open now": "jetzt offen",
  "within your price": "im Preisrahmen",
  "the kind of thing you are after": "von der gesuchten Art",
  "the brand you named": "die genannte Marke",
  "has your words in its title": "die Suchworte stehen im Titel",
  "answers what you want to know": "beantwortet die Frage",
  "somewhere to go now": "ein Ort für jetzt",
  "helps you do it": "hilft beim Machen",
  "something to buy now": "etwas zum Kaufen"
};
const AGES = [[/,? just now$/, () => ", gerade eben"], [/,? (\d+) s ago$/, (n) => `, vor ${n} s`], [/,? (\d+) min ago$/, (n) => `, vor ${n} Min.`], [/,? (\d+) h ago$/, (n) => `, vor ${n} Std.`]];
/** What the engine says where it has no name for a thing. */
const NAMELESS = { "an item": "etwas", "the shop": "dem Laden", "a place": "einem Ort" };
// The longest first: what says more is meant.
const BY_SHAPE = { de: Object.entries(DE).sort(([a], [b]) => b.replace(/\{\w+\}/g, "").length - a.replace(/\{\w+\}/g, "").length).map(([english, own]) => [new RegExp(`^${english.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "(.+)")}$`), [...english.matchAll(/\{(\w+)\}/g)].map((m) => m[1]), own]) };

/** What the engine said, in a language, with that language's code: English where there are no words for it. ``name`` translates a title. */
export function inWords(said, language, name = (title) => title) {
  const shapes = BY_SHAPE[language];
  if (!shapes) return { words: said, lang: "en" };
  const age = AGES.find(([shape]) => shape.test(said) && !/^you bought/.test(said));
  const plain = age ? said.replace(age[0], "") : said;
  for (const [shape, names, own] of shapes) {
    const found = plain.match(shape);
    if (found) return { words: own.replace(/\{(\w+)\}/g, (_, key) => { const told = found[names.indexOf(key) + 1]; return NAMELESS[told] ?? name(told); }) + (age ? age[1](said.match(age[0])[1]) : ""), lang: language };
  }
  return { words: said, lang: "en" };
}
