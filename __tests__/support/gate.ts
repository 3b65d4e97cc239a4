/** A gate at which a request waits until the test opens it. */
export class Gate {
  readonly reached: Promise<void>
  private arrive = () => {}
  private readonly opened: Promise<void>
  private release = () => {}

  constructor() {
    this.reached = new Promise((resolve) => {
      this.arrive = resolve
    })
    this.opened = new Promise((resolve) => {
      this.release = resolve
    })
  }

  async pass(): Promise<void> {
    this.arrive()
    await this.opened
  }

  open(): void {
    this.release()
  }
}
