import type { CredentialSource } from './authenticate.ts'
import type { Breakers } from './breaker.ts'
import type { DiagnosticStep } from './call.ts'
import type { Send } from './send.ts'

/** The dependencies of the engine. */
export interface EnginePorts {
  /** Created by {@link createSend}. */
  send: Send
  /** Created by {@link createCredentialSource}. */
  credentials: CredentialSource
  /** Created by {@link createBreakers}. Absent: every call is made. */
  breakers?: Breakers
  /** Milliseconds since the epoch. */
  now(): number
  /** Receives each diagnostic step immediately. The trace contains all of them too. */
  observe?(step: DiagnosticStep): void
}
