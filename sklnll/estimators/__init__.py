"""What does the user fit? scikit-learn's regressor, classifier and ranker with a network inside."""
