"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = (id) => document.getElementById(id);
  const changes = all(".change");
  const chips = all(".chip");
  const search = one("search");
  const system = one("system");
  const texts = new Map(changes.map((c) => [c, c.textContent.toLowerCase()]));

  one("tools").hidden = false;

  const visible = () => changes.filter((c) => !c.hidden);

  function filter() {
    const actions = new Set(chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.value));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const change of changes) {
      const text = texts.get(change);
      change.hidden = !(
        actions.has(change.dataset.action) &&
        (!system.value || change.dataset.system === system.value) &&
        words.every((word) => text.includes(word))
      );
    }
    const count = visible().length;
    one("shown").textContent = count + " of " + changes.length;
    one("none").hidden = count > 0;
    one("expand").textContent = visible().every((c) => c.open) && count ? "Collapse all" : "Expand all";
  }

  function toggle() {
    const open = !visible().every((c) => c.open);
    for (const change of visible()) change.open = open;
    filter();
  }

  function step(by) {
    const shown = visible().map((c) => c.querySelector("summary"));
    if (!shown.length) return;
    const at = shown.findIndex((s) => s === document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + by, 0), shown.length - 1);
    shown[next].focus();
    shown[next].scrollIntoView({block: "nearest"});
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.matches(".change")) return;
    for (const chip of chips) {
      if (chip.value === target.dataset.action) chip.setAttribute("aria-pressed", "true");
    }
    search.value = "";
    system.value = "";
    filter();
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({preventScroll: true});
  }

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  search.addEventListener("input", filter);
  system.addEventListener("change", filter);
  one("expand").addEventListener("click", toggle);
  for (const change of changes) change.addEventListener("toggle", filter);
  window.addEventListener("hashchange", reveal);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select");
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      search.blur();
      filter();
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (event.key === "j") {
      step(1);
    } else if (event.key === "k") {
      step(-1);
    } else if (event.key === "e") {
      toggle();
    }
  });

  filter();
  reveal();
})();
