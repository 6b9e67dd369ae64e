// Keys for whoever would rather not reach for the mouse. Each does what a link or a button does.

const help = document.getElementById("help");
const rows = () => [...document.querySelectorAll("main .open")].filter((each) => each.offsetParent);
/** The first of two keys, until the second comes or a moment has passed. */
let first = "";

function step(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  all[Math.max(0, Math.min(next, all.length - 1))]?.focus();
}

function press(key) {
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target?.offsetParent) return false;
  if (target.matches("input")) target.focus();
  // Going through a list is one step: "back" leads to the list.
  else if ("instead" in target.dataset) location.replace(target.href);
  else target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  const key = first + event.key;
  first = "";
  if (key === "j" || key === "k") press(key) || step(key === "j" ? 1 : -1);
  else if (key === "?") help.showModal();
  else if (key === "g") {
    first = "g ";
    setTimeout(() => first = "", 1_000);
  } else if (!press(key)) return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}

// The row of the message that is open beside its list.
document.querySelector('[aria-current="true"].open')?.scrollIntoView({ block: "nearest" });
