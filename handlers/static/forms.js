// A filter acts when it is chosen, what is sent is not sent twice, times are the reader's own, and
// texts can be copied. Without this file there are buttons for the first, and UTC.

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

/** Forms whose outcome the stream shows are sent without leaving the page. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("quiet" in form.dataset)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" })
    .catch(() => undefined);
  // Not the way back to this page, so there is something to read.
  if (answer?.type !== "opaqueredirect") form.submit();
});

/** Whatever takes a while shows that it goes on, and is not sent twice. */
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.dataset.sending) return event.preventDefault();
  form.dataset.sending = "yes";
  submitter?.setAttribute("aria-busy", "true");
});
// Back from the next page, a browser shows this one as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sending]")) {
    delete form.dataset.sending;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
  setTimeout(() => button.textContent = "Copy", 2_000);
});
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}
