// The button that kills the server, and what was found when it came back. Only the demo has it.

import { ask } from "./api.js";
import { byId, el, lasting, whole } from "./base.js";

const STEPS = ["burst", "killed", "started", "counted"];

export class Plug {
  constructor() {
    this.button = byId("plug");
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.pull());
  }

  async pull() {
    this.button.disabled = true;
    byId("plugged").hidden = false;
    byId("plugged").classList.remove("done");
    byId("plugged-title").textContent = "The plug is out";
    byId("plugged-steps").replaceChildren(el("li", {}, "Sending a burst of events, and killing the server in the middle of it."));
    byId("plugged").scrollIntoView({ block: "center" });
    try {
      await ask("demo/plug", {});
    } catch (error) {
      byId("plugged-steps").append(el("li", { class: "wrong" }, error.message));
      this.button.disabled = false;
    }
  }

  /** The demo's process tells each step. */
  told(step) {
    byId("plugged").hidden = false;
    const words = {
      burst: "Sending a burst of events, and killing the server in the middle of it.",
      killed: `Killed with SIGKILL: no warning, no goodbye. ${whole(step.acknowledged || 0)} events had been acknowledged.`,
      started: `Started again and ready after ${lasting(step.seconds)}.`,
      counted: null,
    }[step.phase];
    if (step.phase === "counted") this.counted(step);
    else if (words) {
      const list = byId("plugged-steps");
      if (step.phase === "burst") list.replaceChildren();
      list.append(el("li", {}, words));
    }
    return STEPS.includes(step.phase);
  }

  counted({ acknowledged, found, lost, twice }) {
    this.button.disabled = false;
    byId("plugged").classList.add("done");
    byId("plugged-title").textContent = lost === 0 ? "Nothing was lost" : `${whole(lost)} events were lost`;
    byId("plugged-steps").append(
      el("li", { class: "sum" }, el("b", {}, whole(acknowledged)), " acknowledged before, ", el("b", {}, whole(found)), " found after, ", el("b", {}, whole(lost)), " lost, ", el("b", {}, whole(twice || 0)), " twice."));
  }
}
