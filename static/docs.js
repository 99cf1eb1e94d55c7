// Shows the service's OpenAPI document: one section a route.

const make = (name, text, ...children) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

/** What a schema allows, in words. */
const values = (schema) => {
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const) return schema.const;
  const range = "minimum" in schema ? ` from ${schema.minimum}${"maximum" in schema ? ` to ${schema.maximum}` : ""}` : "";
  return `${schema.format ?? schema.type ?? ""}${range}`;
};

const table = (rows) =>
  make("table", "", ...rows.map((row) => make("tr", "", ...row.map((cell, at) => make(at ? "td" : "th", cell)))));

const section = (path, method, operation) => {
  const children = [make("h2", `${method.toUpperCase()} ${path}`), make("p", operation.summary)];
  if (operation.description) children.push(make("p", operation.description));
  const parameters = (operation.parameters ?? []).map(({ name, in: place, schema }) =>
    [name, `${place}: ${values(schema)}`, schema.description ?? ""]);
  if (parameters.length) children.push(make("h3", "Parameters"), table(parameters));
  for (const [kind, { schema }] of Object.entries(operation.requestBody?.content ?? {})) {
    const fields = Object.entries(schema.properties ?? {}).map(([name, field]) =>
      [name, values(field.items ?? field), field.description ?? ""]);
    children.push(make("h3", `Body: ${kind}`), fields.length ? table(fields) : make("p", values(schema)));
  }
  children.push(make("p", `Answers ${Object.keys(operation.responses["200"].content).join(", ")}.`));
  return make("section", "", ...children);
};

const api = await (await fetch("openapi.json")).json();
for (const [path, operations] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    document.getElementById("routes").append(section(path, method, operation));
  }
}
