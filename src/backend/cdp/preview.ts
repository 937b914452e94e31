import type { Runtime } from 'node:inspector'

type Preview = Runtime.ObjectPreview
type Property = Runtime.PropertyPreview

/** As V8 has looked into a value for its console: five properties or a hundred elements, and no getter was run. */
export function previewText(preview: Preview): string {
  const { type, subtype, description = '', properties, entries, overflow } = preview
  const more = overflow ? ['…'] : []
  if (subtype === 'array' || subtype === 'typedarray') {
    // A typed array has its getters behind its elements.
    const own = subtype === 'array' ? properties : properties.filter(({ name }) => isIndex(name))
    const items = own.map((each) => (isIndex(each.name) ? valueText(each) : pairText(each)))
    const name = /^Array\(\d+\)$/.test(description) && !overflow ? '' : `${description} `
    return `${name}[${[...items, ...more].join(', ')}]`
  }
  if (entries !== undefined) {
    const items = entries.map(({ key, value }) => {
      return key === undefined ? nestedText(value) : `${nestedText(key)} => ${nestedText(value)}`
    })
    return `${description} {${[...items, ...more].join(', ')}}`
  }
  // A date, a function, an expression: its description is what it is.
  if (type !== 'object' || closed.has(subtype)) return description
  const name = description === 'Object' ? '' : `${description} `
  return `${name}{${[...properties.map(pairText), ...more].join(', ')}}`
}

const closed: ReadonlySet<string | undefined> = new Set(['date', 'regexp', 'error', 'null'])

function isIndex(name: string): boolean {
  return /^\d+$/.test(name)
}

function pairText(property: Property): string {
  return `${property.name}: ${valueText(property)}`
}

function valueText({ type, subtype, value = '', valuePreview }: Property): string {
  if (valuePreview !== undefined) return nestedText(valuePreview)
  if (type === 'string') return `'${value}'`
  if (type === 'accessor') return '(…)'
  if (type === 'function') return 'ƒ'
  return type === 'object' && subtype === undefined && value === 'Object' ? '{…}' : value.split('\n')[0]!
}

/** One level is enough for a line. */
function nestedText({ type, subtype, description = '' }: Preview): string {
  if (type === 'string') return `'${description}'`
  if (type === 'function') return 'ƒ'
  return type === 'object' && subtype === undefined && description === 'Object' ? '{…}' : description.split('\n')[0]!
}
