// The peers' npm packages: which are installed, at which version.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// { name: version } of packages in the folder of the peer that asks (import.meta.url).
export function versionsOf(module_url, names) {
  const folder = dirname(fileURLToPath(module_url));
  return Object.fromEntries(
    names.map((name) => {
      const file = join(folder, "node_modules", name, "package.json");
      return [name, JSON.parse(readFileSync(file, "utf8")).version];
    })
  );
}

export const beside = (module_url, path) => join(dirname(fileURLToPath(module_url)), path);
