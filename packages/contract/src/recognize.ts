import type * as z from 'zod/mini'

type Recognizer = (value: unknown) => boolean

/** By the `type` in the definition of a schema. A missing kind recognizes nothing. */
const kinds: Record<string, (definition: never) => Recognizer> = {
  string: () => value => typeof value === 'string',
  // JSON has no NaN, but 1e999 becomes Infinity.
  number: () => value => Number.isFinite(value),
  boolean: () => value => typeof value === 'boolean',
  unknown: () => () => true,
  literal:
    ({ values }: z.core.$ZodLiteralDef<z.core.util.Literal>) =>
    value =>
      values.includes(value as never),
  enum: ({ entries }: z.core.$ZodEnumDef) => {
    const values: unknown[] = Object.values(entries)
    // TypeScript includes the names of members in the values of a numeric enum.
    const isOfStrings: boolean = values.every(value => typeof value === 'string')
    return value => isOfStrings && values.includes(value)
  },
  optional: ({ innerType }: z.core.$ZodOptionalDef) => recognizerOf(innerType),
  nullable: ({ innerType }: z.core.$ZodNullableDef) => {
    const recognizes = recognizerOf(innerType)
    return value => value === null || recognizes(value)
  },
  array: ({ element }: z.core.$ZodArrayDef) => {
    const recognizes = recognizerOf(element)
    return value => {
      if (!Array.isArray(value)) return false
      for (const one of value) if (!recognizes(one)) return false
      return true
    }
  },
  union: ({ options, inclusive }: z.core.$ZodUnionDef) => {
    const forms = options.map(recognizerOf)
    // More than one of several exclusive forms may match.
    if (inclusive === false) return () => false
    return value => forms.some(recognizes => recognizes(value))
  },
  object: ({ shape, catchall }: z.core.$ZodObjectDef) => {
    // Only a loose object stays the same. Others drop or reject unknown members.
    if (catchall?._zod.def.type !== 'unknown') return () => false
    const members = Object.entries(shape).map(([name, schema]) => ({
      name,
      isOptional: schema._zod.def.type === 'optional',
      recognizes: recognizerOf(schema),
    }))
    return value => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
      for (const { name, isOptional, recognizes } of members) {
        const member = (value as Record<string, unknown>)[name]
        if (member === undefined ? !isOptional : !recognizes(member)) return false
      }
      return true
    }
  },
}

function recognizerOf(schema: z.core.$ZodType): Recognizer {
  const def: z.core.$ZodTypeDef & { check?: string; coerce?: boolean } = schema._zod.def
  // `check` is set if the kind itself has a check: a whole number, a URL.
  const isPlain = !def.checks?.length && def.check === undefined && !def.coerce
  const kind = isPlain ? kinds[def.type] : undefined
  return kind ? kind(def as never) : () => false
}

const recognizers = new WeakMap<z.core.$ZodType, Recognizer>()

/**
 * Whether a document of `JSON.parse` plainly matches a schema and zod would return it unchanged.
 *
 * A positive answer is certain. A negative answer proves nothing: then zod must decide, and provides the messages. The
 * schema is converted to functions once. This makes a positive answer, which is nearly every one, several times cheaper
 * than zod in any runtime, without generated code.
 */
export function recognizes(schema: z.core.$ZodType, document: unknown): boolean {
  let recognizer = recognizers.get(schema)
  if (!recognizer) {
    recognizer = recognizerOf(schema)
    recognizers.set(schema, recognizer)
  }
  return recognizer(document)
}
