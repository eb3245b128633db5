import CGatewire
import GWBase
import GWGateway
import GWRuntime

@_cdecl("gw_doctor_start") @implementation
public func gw_doctor_start(
    _ context: OpaquePointer?, _ options: UnsafePointer<gw_client_options>?, _ flags: UInt32,
    _ doctor: UnsafeMutablePointer<UInt64>?
) -> gw_status {
    guard let context, let options, let doctor else { return Status.argument.code }
    doctor.pointee = 0
    return withObject(context, Context.self) { context in
        // Files are read and keys are made before the context is locked.
        let settings = prepare { () throws(Failure) in
            try checkFlags(flags, known: GW_DOCTOR_NO_TICK)
            let settings = try clientSettings(options, context.tls, reconnects: false)
            guard settings.link.alternates.isEmpty else {
                throw Failure(.argument, .program, "a doctor looks at one URL: start one for each of the alternates")
            }
            guard !settings.machine.asksForCredentials else {
                throw Failure(.argument, .program, "a doctor asks for no credentials: give them in the options")
            }
            return settings
        }
        return onContext(context) { () throws(Failure) in
            let started = Doctor(
                context: context, settings: try settings.get(),
                waitsForTick: flags & UInt32(GW_DOCTOR_NO_TICK) == 0)
            doctor.pointee = started.id
            return .ok
        }
    }
}

@_cdecl("gw_doctor_cancel") @implementation
public func gw_doctor_cancel(_ context: OpaquePointer?, _ doctor: UInt64) -> gw_status {
    guard let context else { return Status.argument.code }
    return withObject(context, Context.self) { context in
        onContext(context) { () throws(Failure) in
            guard let running = context.doctor(doctor) else {
                throw Failure(.gone, .program, "the doctor has ended already")
            }
            running.cancel()
            return .ok
        }
    }
}
