type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/**
 * Drops the keys that are undefined. DAP clients tell an absent field from a null one, and `exactOptionalPropertyTypes`
 * keeps us honest about it; this keeps the call sites short.
 */
export function present<T extends object>(
  fields: T,
): Partial<Present<T>> & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) result[key] = value
  return result as ReturnType<typeof present<T>>
}
