// Unpacks the rows and draws the tables. Every text of a row is written as text, never as markup.
const $ = globalThis.jQuery;
const MANY = 400;

async function unpacked() {
  const text = atob(document.getElementById("packed").textContent);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function made(tag, text, kind) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

const titled = (key) => key.replaceAll("_", " ");
const words = (value) =>
  value === null || value === undefined ? "" : Array.isArray(value) ? value.join("; ") : String(value);
const CHATS = ["prompt", "conversation"];

// What stands behind a key in a row's details: a chat, pairs, or a text.
function shown(key, value) {
  if (CHATS.includes(key)) {
    const chat = made("div", undefined, "chat");
    for (const [role, text] of value) {
      const line = made("p");
      line.append(made("b", role), text);
      chat.append(line);
    }
    return chat;
  }
  if (Array.isArray(value) && !Array.isArray(value[0])) return made("div", value.join("\n"));
  if (value !== null && typeof value === "object") {
    const pairs = made("div", undefined, "pairs");
    for (const [name, one] of Array.isArray(value) ? value : Object.entries(value))
      pairs.append(made("b", name), made("span", String(one)));
    return pairs;
  }
  return made("div", String(value));
}

function detail(content, row) {
  const list = made("dl", undefined, "detail");
  const line = (name, node) => {
    const cell = made("dd");
    cell.append(node);
    list.append(made("dt", name), cell);
  };
  const of = (key) => row[content.keys.indexOf(key)];
  for (const key of content.keys) {
    const value = of(key);
    if (content.short.includes(key) || value === null || value === undefined || value.length === 0) continue;
    line(titled(key), shown(key, value));
    const picture = key === "picture" && content.pictures?.[value];
    if (picture) {
      const image = made("img");
      image.src = picture;
      image.alt = value;
      list.lastChild.append(image);
    }
  }
  const short = content.short.filter((key) => words(of(key)));
  if (short.length)
    line("belongs to", made("div", short.map((key) => `${titled(key)} ${words(of(key))}`).join(" · ")));
  return list;
}

// A drop-down for each column to choose by; the chosen values, by the column's index.
function filters(parent, content, redraw) {
  const choices = new Map();
  const bar = made("div", undefined, "filters");
  for (const [key, first] of content.filters) {
    const at = content.keys.indexOf(key);
    const counts = new Map();
    for (const row of content.rows) {
      const value = words(row[at]);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const label = made("label", titled(key));
    const select = made("select");
    select.dataset.key = key;
    select.append(new Option("all", " all"));
    const values = [...counts.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    for (const value of values.slice(0, MANY))
      select.append(new Option(`${value || "(none)"} (${counts.get(value)})`, `=${value}`));
    const choose = () => {
      if (select.value === " all") choices.delete(at);
      else choices.set(at, select.value.slice(1));
    };
    if (first) select.value = `=${first}`;
    if (!select.value) select.value = " all";
    choose();
    select.addEventListener("change", () => {
      choose();
      redraw();
    });
    label.append(select);
    bar.append(label);
  }
  parent.append(bar);
  return choices;
}

function draw(parent, content) {
  const asText = $.fn.dataTable.render.text();
  const display = (value) => (typeof value === "number" ? value : words(value));
  const first = content.rows[0] ?? [];
  const visible = new Set(content.shown.map(([key]) => key));
  const columns = content.shown.map(([key, kind]) => ({
    title: titled(key),
    className: kind,
    data: (row) => display(row[content.keys.indexOf(key)]),
    render: asText,
    // Else the library looks at every value to find out.
    type: typeof first[content.keys.indexOf(key)] === "number" ? "num" : "string",
  }));
  const hidden = content.keys.some((key) => !visible.has(key));
  if (hidden)
    columns.unshift({
      title: "",
      className: "open",
      orderable: false,
      searchable: false,
      data: null,
      defaultContent: '<button type="button" aria-expanded="false" aria-label="details">+</button>',
    });
  let table;
  const choices = filters(parent, content, () => table.draw());
  const node = made("table", undefined, "stripe hover");
  parent.append(node);
  table = $(node).DataTable({
    data: content.rows,
    columns,
    order: [],
    pageLength: matchMedia("(max-width: 700px)").matches ? 8 : 15,
    lengthMenu: [8, 15, 50, 200],
    autoWidth: false,
    deferRender: true,
    layout: { topStart: "info", topEnd: "search", bottomStart: "pageLength", bottomEnd: "paging" },
    language: { search: "", searchPlaceholder: "search", lengthMenu: "_MENU_ a page",
                info: "_TOTAL_ rows", infoFiltered: "of _MAX_", infoEmpty: "no row" },
  });
  table.search.fixed("filters", (_, row) => {
    for (const [at, value] of choices) if (words(row[at]) !== value) return false;
    return true;
  });
  if (choices.size) table.draw();
  node.addEventListener("click", (event) => {
    const button = event.target.closest("td.open button");
    if (!button) return;
    const row = table.row(button.closest("tr"));
    const open = row.child.isShown();
    if (open) row.child.hide();
    else row.child(detail(content, row.data())).show();
    button.textContent = open ? "+" : "–";
    button.setAttribute("aria-expanded", String(!open));
  });
}

try {
  const tables = await unpacked();
  for (const parent of document.querySelectorAll("[data-table]")) {
    draw(parent, tables[parent.dataset.table]);
    await new Promise((done) => setTimeout(done)); // what stands already is seen and scrolls
  }
  // Milliseconds from the page's beginning to its tables, which a test reads.
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
} catch (error) {
  const note = made("p", `The tables cannot be drawn: ${error}. A browser of 2023 or later is needed.`, "note");
  document.querySelector("header").append(note);
}
