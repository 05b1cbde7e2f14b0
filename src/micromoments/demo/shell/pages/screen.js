// A screen that can be drawn anew at any time without taking anything from whoever uses it: not while a key or a
// finger is down, with the focus, the caret and what was typed where they were.

const LONGEST = 1000; // milliseconds that something held down may keep a screen from changing
const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";
const TYPED = "input:not([type=checkbox], [type=radio]), textarea";
const held = new Map();
const touched = new WeakSet();
const waiting = [];
let lately = null;

const hold = (name) => { if (!held.has(name)) held.set(name, performance.now()); };
// The click that follows is told in the same task or the next one: then the screen may change.
const release = (name) => { held.delete(name); setTimeout(() => { if (!pressed()) for (const go of waiting.splice(0)) go(); }, 20); };
const pressed = () => [...held.values()].some((since) => performance.now() - since < LONGEST);
addEventListener("keydown", (e) => { if (!e.repeat) hold(e.code); }, true);
addEventListener("keyup", (e) => release(e.code), true);
addEventListener("pointerdown", (e) => hold(e.pointerId), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, (e) => release(e.pointerId), true);
addEventListener("blur", () => { held.clear(); release(""); });
addEventListener("input", (e) => touched.add(e.target), true);
// A button that was pressed and is switched off while its work is done loses the focus without a word.
addEventListener("focusin", (e) => { lately = e.target; });
addEventListener("focusout", (e) => { if (!e.target.disabled) lately = null; });
addEventListener("submit", (e) => { for (const field of e.target.elements) touched.delete(field); }, true);

/** Once nothing is held down, or was for too long to be a press. */
export const untouched = () => (pressed() ? Promise.race([new Promise((done) => waiting.push(done)), new Promise((done) => setTimeout(done, LONGEST))]) : Promise.resolve());

/** What a control is to a person: the same when it is made anew. */
function called(e) {
  if (e.id) return `#${e.id}`;
  const words = e.getAttribute("aria-label") ?? (e.matches("input, select, textarea") ? e.labels?.[0]?.firstElementChild?.textContent : e.textContent);
  return [e.localName, e.type, e.name, e.matches("[type=radio], [type=checkbox]") ? e.value : "", e.getAttribute("href"), words].join("|");
}

/** Where somebody is among the controls of a box, so that they can be brought back there. */
function place(box, control) {
  const all = [...box.querySelectorAll(CONTROLS)];
  const name = called(control);
  return { name, nth: all.filter((e) => called(e) === name).indexOf(control), at: all.indexOf(control), of: all.length };
}
function found(box, { name, nth, at, of }) {
  const all = [...box.querySelectorAll(CONTROLS)];
  const same = all.filter((e) => called(e) === name);
  return same[nth] ?? same[0] ?? (all.length === of ? all[at] : null);
}

/** What brings the focus back to a control, or to what stands in its place by then. */
export function remember(control, box = document.getElementById("main")) {
  const was = place(box, control);
  return () => {
    const now = control.isConnected ? control : found(box, was);
    (now && !now.disabled ? now : box.closest("[tabindex]"))?.focus({ preventScroll: true });
  };
}

function typed(box) {
  const own = [...box.querySelectorAll(`${TYPED}, form select`)].filter((e) => touched.has(e)).map((e) => [place(box, e), e.value]);
  const open = [...box.querySelectorAll("details > summary")].map((e) => [place(box, e), e.parentElement.open]);
  return () => {
    for (const [was, value] of own) { const e = found(box, was); if (e?.matches("input, textarea, select") && e.value !== value) { e.value = value; touched.add(e); } }
    for (const [was, shown] of open) { const e = found(box, was); if (e?.localName === "summary" && e.parentElement.open !== shown) e.parentElement.open = shown; }
  };
}

/** Put this into a box instead of what is there; ``fresh`` where it is another screen, which keeps nothing. */
export function swap(box, made, fresh = false) {
  const at = document.activeElement === document.body && lately?.disabled ? lately : document.activeElement;
  const mine = !fresh && at !== box && box.contains(at);
  const back = mine ? remember(at, box) : null;
  const caret = mine && at.matches(TYPED) ? [at.selectionStart, at.selectionEnd] : null;
  const again = fresh ? null : typed(box);
  box.replaceChildren(...[made].flat(3).filter((e) => e !== null && e !== undefined && e !== false));
  again?.();
  if (!mine || document.activeElement === at) return;
  back();
  if (caret && caret[0] !== null && document.activeElement.matches(TYPED)) document.activeElement.setSelectionRange(...caret);
}

/** Draws ``make(fresh)`` into the page's main part; whenever it is asked to, the last word counts. ``after`` runs then. */
export function screen(make, after = () => {}) {
  const main = document.getElementById("main");
  let turn = 0;
  let busy = null;
  let again = false;
  let entering = false;
  async function show(mine) {
    try {
      do {
        again = false;
        const made = await make(entering);
        await untouched();
        if (mine !== turn) return;
        const fresh = entering;
        entering = false;
        swap(main, made, fresh);
        after(main);
        if (fresh) { (main.querySelector("[autofocus]") ?? main).focus({ preventScroll: true }); scrollTo(0, 0); }
      } while (again);
    } finally {
      if (mine === turn) busy = null;
    }
  }
  /** Draw; ``fresh`` for another screen than before: the focus goes to its beginning. */
  return function draw(fresh = false) {
    entering ||= fresh;
    if (busy && !fresh) { again = true; return busy; }
    turn += 1;
    busy = show(turn);
    return busy;
  };
}
