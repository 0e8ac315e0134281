import type { CredentialSource } from './authenticate.ts'
import type { Breakers } from './breaker.ts'
import type { DiagnosticStep } from './call.ts'
import type { Send } from './send.ts'

/** What the engine needs from its surroundings. */
export interface EnginePorts {
  /** {@link createSend} makes it. */
  send: Send
  /** {@link createCredentialSource} makes it. */
  credentials: CredentialSource
  /** {@link createBreakers} makes them. Absent: every call is tried. */
  breakers?: Breakers
  /** Milliseconds since the epoch. */
  now(): number
  /** Receives each diagnostic step at its moment; all of them are in the trace as well. */
  observe?(step: DiagnosticStep): void
}
