import { z } from 'zod'

/** Schemas of fields that are stored and returned as they were sent. Most have no effect here. Some also have one. */
const KEPT = new WeakSet<z.core.$ZodType>()

/** The stored fields of a body: the value of each field by its path, such as `accessToken.bindingType`. */
export type KeptFields = Record<string, unknown>

/** Marks the field as stored, so that tools read exactly what they sent. */
export function kept<Value>(
  value: z.ZodType<Value>,
  description = 'Stored and returned. Has no effect here.',
): z.ZodExactOptional<z.ZodType<Value>> {
  const field = value.exactOptional().describe(description)
  KEPT.add(field)
  return field
}

/** The fields of a valid body that its schema marks as stored. */
export function keptOf(schema: z.core.$ZodType, value: unknown, path = ''): KeptFields {
  if (value === undefined) return {}
  if (KEPT.has(schema)) return { [path]: value }
  if (schema instanceof z.ZodExactOptional) return keptOf(schema.def.innerType, value, path)
  if (!(schema instanceof z.ZodObject)) return {}
  return Object.assign(
    {},
    ...Object.entries(schema.shape).map(([name, field]) => {
      const member = (value as Record<string, unknown>)[name]
      return keptOf(field as z.core.$ZodType, member, path === '' ? name : `${path}.${name}`)
    }),
  )
}

/** A response with the stored fields in their places. */
export function withKept<View extends object>(view: View, fields: KeptFields = {}): View {
  const shown = structuredClone(view) as Record<string, unknown>
  for (const [path, value] of Object.entries(fields)) {
    const names = path.split('.')
    const last = names.pop() as string
    let at = shown
    for (const name of names) {
      at[name] ??= {}
      at = at[name] as Record<string, unknown>
    }
    at[last] = value
  }
  return shown as View
}
