type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/**
 * Drops the keys that are undefined. DAP clients tell an absent field from a null one, and `exactOptionalPropertyTypes`
 * keeps us honest about it; this keeps the call sites short.
 */
export function present<T extends object>(
  fields: T,
): Partial<Present<T>> & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } {
  const result: Record<string, unknown> = {}
  // A row of a variables view is one of these: pairs of `Object.entries` would be a third of what it costs.
  for (const key of Object.keys(fields)) {
    const value = (fields as Record<string, unknown>)[key]
    if (value !== undefined) result[key] = value
  }
  return result as ReturnType<typeof present<T>>
}
