// The little of @types/node that index.d.ts uses, for machines without that package.
declare module 'node:events' {
  export class EventEmitter {
    on (name: string, listener: (...args: any[]) => void): this
    once (name: string, listener: (...args: any[]) => void): this
    off (name: string, listener: (...args: any[]) => void): this
  }
}

declare interface Buffer extends Uint8Array {
  toString (encoding?: string, start?: number, end?: number): string
  subarray (start?: number, end?: number): Buffer
}
