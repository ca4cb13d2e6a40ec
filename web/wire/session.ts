import { RefusedError } from './codec'
import { CodeProtocol, MaxUnacked, MaxUnackedBytes, type Said } from './messages'

/** A message that is not acknowledged yet. */
export interface Kept {
  id: number
  kind: keyof Said
  body: unknown
  bytes: number
}

/**
 * Numbers the messages of one direction of a session and keeps those that the other side
 * has not acknowledged, so that a resumed socket repeats exactly what was lost.
 */
export class Outbox {
  private last = 0
  private kept: Kept[] = []
  private bytes = 0

  /** Keeps a message; null, keeping nothing, when the other side can't keep up. */
  add(kind: keyof Said, body: unknown, bytes: number): Kept | null {
    if (this.kept.length >= MaxUnacked || this.bytes + bytes > MaxUnackedBytes) return null
    const message = { id: ++this.last, kind, body, bytes }
    this.kept.push(message)
    this.bytes += bytes
    return message
  }

  /** Forgets the messages up to id; one that was never given out breaks the protocol. */
  acked(id: number): void {
    if (id > this.last) throw new RefusedError(CodeProtocol, `message ${id} acknowledged, ${this.last} were sent`)
    while (this.kept.length > 0 && this.kept[0]!.id <= id) this.bytes -= this.kept.shift()!.bytes
  }

  /** What a resumed socket repeats, oldest first. */
  get unacked(): readonly Kept[] {
    return this.kept
  }
}

/** Drops messages that came twice, and remembers what to acknowledge. */
export class Inbox {
  private last = 0
  private told = 0

  /** Whether the message is new; a gap breaks the protocol. Id 0 is outside the session. */
  take(id: number): boolean {
    if (id === 0) return true
    if (id <= this.last) return false
    if (id !== this.last + 1) throw new RefusedError(CodeProtocol, `message ${id} came after ${this.last}`)
    this.last = id
    return true
  }

  /** The id to acknowledge in the message that is about to be sent. */
  ack(): number {
    this.told = this.last
    return this.last
  }

  /** How many messages wait for an acknowledgement. */
  get owed(): number {
    return this.last - this.told
  }
}
