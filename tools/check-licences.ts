import { promisify } from 'node:util';
import { init } from 'license-checker-rseidelsohn';
import { isAllowed, PERMISSIVE, TOOLS_ONLY } from './licences.ts';

/** Refuses a dependency whose licence is not on the list; run by `npm run licences`. */

const read = promisify(init);

/** Lines `package: licence` of installed packages whose licence is not among `allowed`. */
async function refused(production: boolean, allowed: readonly string[]): Promise<string[]> {
  const packages = await read({ start: process.cwd(), production, excludePrivatePackages: true });
  if (Object.keys(packages).length === 0) throw new Error('no packages found: run `make install`');
  return Object.entries(packages)
    .map(([name, { licenses = 'UNKNOWN' }]) => ({ name, licence: [licenses].flat().join(' AND ') }))
    .filter(({ licence }) => !isAllowed(licence, allowed))
    .map(({ name, licence }) => `${name}: ${licence}`);
}

const shipped = await refused(true, PERMISSIVE);
const tools = await refused(false, [...PERMISSIVE, ...TOOLS_ONLY]);
for (const line of shipped) console.error(`not allowed in what is shipped: ${line}`);
for (const line of tools) console.error(`not allowed at all: ${line}`);
process.exitCode = shipped.length + tools.length === 0 ? 0 : 1;
