// A filter acts when it is chosen, times are the reader's own, and a body's values can be copied with
// their paths. Without this file there are buttons for the first, and UTC.

const isLocal = document.documentElement.dataset.clock !== "utc";

for (const form of document.querySelectorAll("form.filters, form[data-lean]")) {
  // The URL that people share says only what was chosen.
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
}

for (const form of document.querySelectorAll("form.filters:not(.wide)")) {
  form.classList.add("acts");
  /** By the keyboard one goes through the choices: it is chosen when the focus leaves, or by Enter. */
  let byKey = false;
  form.addEventListener("keydown", ({ target, key }) => {
    if (!target.matches("select")) return;
    byKey = key !== "Enter";
    if (key === "Enter" && "changed" in target.dataset) form.requestSubmit();
  });
  form.addEventListener("pointerdown", () => byKey = false);
  form.addEventListener("change", ({ target }) => {
    if (!target.matches("select")) return;
    if (byKey) target.dataset.changed = "";
    else form.requestSubmit();
  });
  form.addEventListener("focusout", ({ target }) => {
    if ("changed" in target.dataset) form.requestSubmit();
  });
}

for (const form of document.querySelectorAll("[data-clocks]")) form.hidden = false;

/** A browser's field for a time has no zone: what stands in it is the reader's own time. */
for (const form of isLocal ? document.querySelectorAll("form[data-lean]") : []) {
  const two = (number) => String(number).padStart(2, "0");
  for (const zone of form.querySelectorAll("[data-zone]")) zone.remove();
  for (const field of form.querySelectorAll("[type=datetime-local]")) {
    if (!field.value) continue;
    const time = new Date(`${field.value}Z`);
    const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
    field.value = `${day}T${two(time.getHours())}:${two(time.getMinutes())}`;
  }
  form.addEventListener("formdata", ({ formData }) => {
    for (const { name, value } of form.querySelectorAll("[type=datetime-local]")) {
      if (value) formData.set(name, new Date(value).toISOString());
    }
  });
}

/** The keys that lead to a value, as the rules of a source name it; undefined where one is cut short. */
function pathOf(place) {
  const keys = [];
  for (let at = place; at && !at.matches(".tree"); at = at.parentElement) {
    const key = at.matches("details")
      ? at.querySelector(":scope > summary > .key")
      : at.querySelector(":scope > .key");
    if (!key) continue;
    if ("cut" in key.dataset) return undefined;
    keys.unshift(key.textContent);
  }
  return keys.length > 0 ? keys.join(".") : undefined;
}

if (navigator.clipboard) {
  for (const place of document.querySelectorAll(".tree .leaf, .tree details")) {
    const path = pathOf(place);
    if (path === undefined) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet path";
    button.textContent = "Copy path";
    button.title = path;
    button.setAttribute("aria-label", `Copy the path ${path}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(path);
      button.textContent = "Copied";
      setTimeout(() => button.textContent = "Copy path", 2_000);
    });
    const summary = place.querySelector(":scope > summary");
    if (summary) summary.after(button);
    else place.append(button);
  }
}
