import { z } from 'zod'
import { backendOptions } from './backends.ts'
import { fileSchema } from './schema.ts'

type Json = Record<string, unknown>

const variable = String.raw`\$\{[A-Za-z_]\w*(:-[^}]*)?\}`

/**
 * The JSON schema of the configuration file, for editors (`breakwater check --schema`): made from the zod schema, so
 * the two cannot differ. What it can't say (names that must exist, addresses that need a token) `check` says.
 */
export function configJsonSchema(): Json {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-2020-12' }) as Json
  withBackendOptions(schema)
  return {
    $schema,
    title: 'Breakwater configuration',
    ...(withVariables(schema) as Json),
  }
}

/** Each backend's own options, by the backend's name. */
function withBackendOptions(schema: Json): void {
  const targets = (schema['properties'] as Record<string, Json>)['targets']!
  const target = targets['additionalProperties'] as Json
  target['allOf'] = Object.entries(backendOptions).map(([name, options]) => {
    const { $schema: _, ...shape } = z.toJSONSchema(options, { io: 'input' }) as Json
    return {
      if: { properties: { backend: { const: name } }, required: ['backend'] },
      // oxlint-disable-next-line unicorn/no-thenable -- the word of JSON schema; nobody awaits it
      then: { properties: { options: shape } },
    }
  })
}

/** Every value may be written as `${VARIABLE}`, which is filled in before it is checked. */
function withVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withVariables)
  if (typeof node !== 'object' || node === null) return node
  const schema = node as Json
  const isLeaf = 'enum' in schema || ['integer', 'number', 'boolean'].includes(String(schema['type']))
  if (isLeaf) return { anyOf: [withSafeBounds(schema), { type: 'string', pattern: variable }], ...described(schema) }
  if (typeof schema['pattern'] === 'string') return { ...schema, pattern: `(${schema['pattern']})|(${variable})` }
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'propertyNames' || key === 'if' ? value : withVariables(value),
    ]),
  )
}

function described({ description }: Json): Json {
  return description === undefined ? {} : { description }
}

/** zod writes the bounds of a double's integers where none were asked for: noise in an editor's hints. */
function withSafeBounds(schema: Json): Json {
  const { description: _, ...rest } = schema
  if (rest['maximum'] === Number.MAX_SAFE_INTEGER) delete rest['maximum']
  if (rest['minimum'] === Number.MIN_SAFE_INTEGER) delete rest['minimum']
  return rest
}
