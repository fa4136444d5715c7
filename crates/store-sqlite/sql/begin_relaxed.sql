-- What was answered survives the end of this process, not the loss of power, which would end everyone that the
-- written row is about: hosts, leases, terms and running attempts live on this machine.
pragma synchronous = normal;
begin immediate;
