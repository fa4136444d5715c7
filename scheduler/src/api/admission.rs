//! The service `Admission`: what replicas say to each other about the ready queue. The leader takes references from
//! the others, and asks them whether they reach it.

use broker::Reference;
use rpc::v1::admission_server::Admission;
use rpc::{Code, Error, v1};
use tonic::{Request, Response, Status};

use super::Api;
use crate::standing::Standing;

#[tonic::async_trait]
impl Admission for Api {
    async fn offer(&self, request: Request<v1::OfferRequest>) -> Result<Response<v1::OfferResponse>, Status> {
        // Never passed on once more: two replicas that take each other for the leader would play with it.
        if *self.standing.borrow() != Standing::Leading {
            return Err(Error::new(Code::Unavailable, "this replica does not lead").into());
        }
        let references = request.get_ref().references.iter().map(read).collect::<Result<_, _>>()?;
        self.bell.offer(references);
        Ok(Response::new(v1::OfferResponse {}))
    }

    async fn reach(&self, _: Request<v1::ReachRequest>) -> Result<Response<v1::ReachResponse>, Status> {
        Ok(Response::new(v1::ReachResponse { reached: self.desk.generation().await.is_ok() }))
    }
}

fn read(reference: &v1::Reference) -> Result<Reference, Error> {
    let (job, queue, priority, run_at) = rpc::reference_parts(reference)?;
    Ok(Reference { job, queue, priority, run_at })
}
