declare global {
  /** What the declarations of `lru-cache` mention, although it runs anywhere: this package compiles without Node's types. */
  // biome-ignore lint/style/noNamespace: the name is Node's
  namespace NodeJS {
    interface Timeout {
      readonly [Symbol.toPrimitive]: () => number
    }
  }
}

export {}
