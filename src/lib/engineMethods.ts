/**
 * Methods of JavaScript's engine that run no other code, by name: the policy accepts these and no others, and the guard in
 * the program calls them only where they are the engine's own.
 */
export const engineMethods: readonly string[] = [
  'get has at includes indexOf lastIndexOf slice join keys hasOwn hasOwnProperty is isArray isView',
  'isInteger isSafeInteger isFinite isNaN parseInt parseFloat toString toFixed toPrecision valueOf',
  'charAt charCodeAt codePointAt concat endsWith startsWith padEnd padStart repeat substring substr toLowerCase',
  'toUpperCase trim trimEnd trimStart isWellFormed toISOString getTime getTimezoneOffset now',
  'getFullYear getMonth getDate getDay getHours getMinutes getSeconds getMilliseconds',
  'getUTCFullYear getUTCMonth getUTCDate getUTCDay getUTCHours getUTCMinutes getUTCSeconds getUTCMilliseconds',
  'abs ceil floor round trunc sign sqrt cbrt min max pow log log2 log10 exp hypot',
].flatMap((line) => line.split(' '))
