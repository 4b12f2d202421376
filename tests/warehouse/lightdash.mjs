// Reads a dbt manifest as Lightdash does: `node lightdash.mjs MANIFEST PACKAGES`. PACKAGES is a
// folder with node_modules/@lightdash/common. Prints each mart's errors and dimensions as JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [manifestFile, packages] = process.argv.slice(2);
const lightdash = createRequire(`${packages}/`)("@lightdash/common");

// Lightdash asks the warehouse for types; here they are those of the marts' contracts.
const TYPES = {
  text: "string", bigint: "number", integer: "number", float8: "number", boolean: "boolean",
  date: "date", timestamptz: "timestamp",
};
const postgres = {
  getStartOfWeek: () => null, getAdapterType: () => "postgres", getFieldQuoteChar: () => '"',
  getStringQuoteChar: () => "'", getEscapeStringQuoteChar: () => "'", escapeString: (text) => text,
  getFloatingPointType: () => "FLOAT", getMetricSql: (sql) => sql,
};

function typed(model) {
  for (const column of Object.values(model.columns)) column.data_type = TYPES[column.data_type];
  return model;
}

const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
const validator = new lightdash.ManifestValidator(lightdash.getDbtManifestVersion(manifest));
const marts = lightdash.getModelsFromManifest(manifest).filter(({ fqn }) => fqn[1] === "marts");
const found = {};
for (const mart of marts) {
  const [isValid, error] = validator.isModelValid(mart);
  found[mart.name] = { errors: isValid ? [] : [error] };
}
const explores = await lightdash.convertExplores(
  marts.map((mart) => typed(mart)),
  false, // without the YAML's text
  "postgres",
  postgres,
  { spotlight: { default_visibility: "show" } },
);
for (const { name, errors, tables, baseTable } of explores) {
  found[name].errors.push(...(errors ?? []));
  found[name].dimensions = errors ? [] : Object.keys(tables[baseTable].dimensions);
}
console.log(JSON.stringify(found));
