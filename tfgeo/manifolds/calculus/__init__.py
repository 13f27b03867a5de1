"""The calculus under the manifolds: Jacobians, second-order models of energies, accelerations, splines."""
