// The page's own choices come after the #, which no server sees: `key` (the write key) and `token` (a person's).

const said = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
const choices = document.createElement("micromoments-preferences");
choices.client = new Micromoments({
  writeKey: said.get("key") ?? undefined,
  token: said.get("token") ?? undefined,
  page: false,
  search: [],
});
document.querySelector("main").append(choices);
