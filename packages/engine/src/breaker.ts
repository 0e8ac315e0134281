import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel'
import { LRUCache } from 'lru-cache'

/** When a circuit opens. The defaults are those of the reference's circuit breakers. */
export interface BreakerOptions {
  /** How many of the last calls are counted. Default 30. */
  windowCalls?: number
  /** With fewer calls the circuit stays closed. Default 15. */
  minCalls?: number
  /** The circuit opens if more than this share of them failed. Between 0 and 1, default 0.5. */
  failureRate?: number
  /** Milliseconds without calls. Then one call is the probe. Default 60,000. */
  openMs?: number
}

/** One circuit breaker per circuit: what is counted together. */
export interface Breakers {
  /**
   * Runs `task` unless the circuit is open or another call is probing it just now.
   *
   * @param circuit Its name, such as that of an action.
   * @param task Returns whether it counts as a failure of the endpoint.
   */
  guard<Value>(
    circuit: string,
    task: () => Promise<{ value: Value; isFailure: boolean }>,
  ): Promise<{ isOpen: true } | { isOpen: false; value: Value }>
  state(circuit: string): 'closed' | 'open' | 'half-open'
}

/** Maximum number of remembered circuits. The least recently used one is evicted first. */
const MAX_REMEMBERED = 10_000

interface Attempted<Value> {
  value?: Value
  isFailure: boolean
  thrown?: unknown
}

/**
 * Creates the breakers of one engine.
 *
 * While a circuit is open, the answer comes at once instead of after the deadline, and the endpoint has time to
 * recover.
 */
export function createBreakers(options: BreakerOptions = {}): Breakers {
  const { windowCalls = 30, minCalls = 15, failureRate = 0.5, openMs = 60_000 } = options
  const policies = new LRUCache<string, CircuitBreakerPolicy>({ max: MAX_REMEMBERED })

  function policyOf(circuit: string): CircuitBreakerPolicy {
    const known = policies.get(circuit)
    if (known) return known
    const policy: CircuitBreakerPolicy = circuitBreaker(
      // An aborted probe has proved nothing, and must not close the circuit.
      handleWhenResult(result => {
        const { isFailure, thrown } = result as Attempted<unknown>
        return isFailure || (thrown !== undefined && policy.state === CircuitState.HalfOpen)
      }),
      {
        halfOpenAfter: openMs,
        breaker: new CountBreaker({ threshold: failureRate, size: windowCalls, minimumNumberOfCalls: minCalls }),
      },
    )
    policies.set(circuit, policy)
    return policy
  }

  return {
    async guard(circuit, task) {
      const policy = policyOf(circuit)
      if (policy.state === CircuitState.HalfOpen) return { isOpen: true }
      let attempted: Attempted<Awaited<ReturnType<typeof task>>['value']>
      try {
        attempted = await policy.execute(() =>
          task().catch((thrown: unknown): typeof attempted => ({ isFailure: false, thrown })),
        )
      } catch (error) {
        if (error instanceof BrokenCircuitError) return { isOpen: true }
        throw error
      }
      if (!('value' in attempted)) throw attempted.thrown
      return { isOpen: false, value: attempted.value as Awaited<ReturnType<typeof task>>['value'] }
    },
    state: circuit => {
      const state = policies.peek(circuit)?.state
      return state === CircuitState.Open ? 'open' : state === CircuitState.HalfOpen ? 'half-open' : 'closed'
    },
  }
}
