// Shows one conversation at a time and keeps what is said of each. Every text of a row is written as
// text, never as markup.
const VERDICTS = ["right", "wrong", "unsure"];
const byId = (id) => document.getElementById(id);

async function unpacked() {
  const text = atob(byId("packed").textContent);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function made(tag, text) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  return node;
}

const items = await unpacked();
const key = (item) => `review ${item.id} ${item.digest}`;
// id -> {verdict, note}. What the browser kept of an earlier sitting is there again; some browsers
// keep nothing for a file.
const said = new Map();
for (const item of items) {
  try {
    const one = JSON.parse(localStorage.getItem(key(item)));
    if (VERDICTS.includes(one?.verdict) || one?.note)
      said.set(item.id, { verdict: one.verdict, note: String(one.note ?? "") });
  } catch {}
}
let at = Math.max(0, items.findIndex((item) => !said.get(item.id)?.verdict));

function keep(item, change) {
  const one = { note: "", ...said.get(item.id), ...change };
  said.set(item.id, one);
  try {
    localStorage.setItem(key(item), JSON.stringify(one));
  } catch {}
}

function lines() {
  const answered = items.filter((item) => said.get(item.id)?.verdict);
  return answered.map((item) => {
    const { verdict, note } = said.get(item.id);
    return JSON.stringify({ sample_id: item.id, digest: item.digest, verdict, note });
  });
}

function turn([role, text]) {
  const line = made("p");
  line.append(made("b", role), text);
  return line;
}

function tool(one) {
  const node = made("details");
  node.open = one.called;
  const head = made("summary");
  head.append(made("b", one.name), one.description);
  node.append(head, made("pre", one.parameters));
  return node;
}

function count() {
  const done = lines().length;
  byId("done").textContent = `${done} answered`;
  byId("save").disabled = !done;
}

function show() {
  const item = items[at];
  byId("position").textContent = items.length ? `${at + 1} of ${items.length}` : "nothing to read";
  byId("back").disabled = at <= 0;
  byId("on").disabled = at >= items.length - 1;
  byId("conversation").hidden = !item;
  count();
  if (!item) return;
  const one = said.get(item.id) ?? {};
  byId("belongs").textContent = item.belongs;
  byId("turns").replaceChildren(...item.turns.map(turn));
  byId("tools").replaceChildren(...item.tools.map(tool));
  byId("note").value = one.note ?? "";
  for (const button of document.querySelectorAll("[data-verdict]"))
    button.setAttribute("aria-pressed", String(button.dataset.verdict === one.verdict));
}

function go(step) {
  at = Math.min(Math.max(at + step, 0), items.length - 1);
  show();
}

function answer(verdict) {
  if (!items[at]) return;
  keep(items[at], { verdict });
  if (at < items.length - 1) go(1);
  else show();
}

function save() {
  const link = made("a");
  link.href = URL.createObjectURL(new Blob([lines().join("\n") + "\n"], { type: "application/jsonl" }));
  link.download = "verdicts.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

for (const button of document.querySelectorAll("[data-verdict]"))
  button.addEventListener("click", () => answer(button.dataset.verdict));
byId("back").addEventListener("click", () => go(-1));
byId("on").addEventListener("click", () => go(1));
byId("save").addEventListener("click", save);
byId("note").addEventListener("input", (event) => keep(items[at], { note: event.target.value }));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target === byId("note")) {
    if (event.key === "Escape" || event.key === "Enter") byId("note").blur();
    return;
  }
  const verdict = VERDICTS[Number(event.key) - 1];
  if (verdict) answer(verdict);
  else if (event.key === "ArrowLeft") go(-1);
  else if (event.key === "ArrowRight") go(1);
  else if (event.key === "n") {
    event.preventDefault();
    byId("note").focus();
  }
});
show();
document.documentElement.dataset.ready = String(Math.round(performance.now()));
